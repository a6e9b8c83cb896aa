
{% do salt.log.info('hello') %}
{% set m = salt['pillar.filter_by']({'web': {'p': 1}, 'default': {'p': 0}}, pillar='role', merge={'q': 2}) %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - "{{ m.p }} {{ m.q }}"
      - "{{ salt['match.filter_by']({'lab*': 'L', '*': 'A'}) }} {{ salt['match.search_by']({'a': ['lab*'], 'b': ['x']}) }} {{ salt['match.ipcidr']('203.0.113.0/24') }}"
      - "{{ salt['slsutil.merge']({'a': {'b': 1}}, {'a': {'c': 2}}) }} {{ salt['slsutil.merge_all']([{'a': 1}, {'b': 2}]) }} {{ salt['slsutil.boolstr']('yes', 'Y', 'N') }}"
      - "{{ salt['slsutil.renderer'](string='x: {{ '{{' }} 1 + 1 {{ '}}' }}') }} {{ salt['slsutil.renderer']('salt://d.yaml') }}"
      - "{{ salt['slsutil.serialize']('json', {'a': [1, None]}) }} {{ salt['slsutil.deserialize']('json', '[1]') }}"
      - "{{ salt['slsutil.file_exists']('d.yaml') }} {{ salt['slsutil.dir_exists']('sub') }} {{ salt['slsutil.path_exists']('nope') }} {{ salt['slsutil.findup']('sub', 'd.yaml') }}"
      - "{{ salt['defaults.merge']({'a': {'b': 1}}, {'a': {'c': 2}}) }} {{ salt['defaults.deepcopy']([1]) }} {{ salt['defaults.update']({'x': {'a': 1}}, {'a': 0, 'b': 2}) }}"
      - "{{ salt['network.calc_net']('172.17.0.5', '255.255.255.240') }} {{ salt['network.convert_cidr']('10.0.0.5/20') }} {{ salt['network.is_private']('10.1.1.1') }} {{ salt['network.reverse_ip']('10.1.2.3') }} {{ salt['network.ip_in_subnet']('10.0.0.1', '10.0.0.0/8') }}"
      - "{{ salt['hashutil.digest']('a') }} {{ salt['hashutil.base64_b64encode']('a') }} {{ salt['environ.item'](['NOPE']) }}"
      - "{{ salt['test.kwarg'](a=1) }} {{ salt['test.arg_repr'](1, 'x', k=True) }} {{ salt['file.basename']('/a/b') }} {{ salt['file.join']('a', 'b') }} {{ salt['file.dirname']('/a/b') }}"
      - "{{ salt['ini.get_option']('@ROOT@/i.ini', 's', 'k') }} {{ salt['ini.get_section']('@ROOT@/i.ini', 's') }} {{ salt['ini.get_ini']('@ROOT@/i.ini') }}"
      - "{{ salt['cp.list_states']() }} {{ salt['cp.hash_file']('salt://d.yaml') }} {{ salt['grains.fetch']('id') }} {{ salt['config.merge']('role') }} {{ salt['cmd.run']('echo hi') }} {{ salt['cmd.retcode']('exit 3') }}"
