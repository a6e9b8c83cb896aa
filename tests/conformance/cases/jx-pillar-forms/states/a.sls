a:
  test.nop:
    - name: "{{ pillar.a.l }}|{{ salt['pillar.get']('a:l:0') }}|{{ salt['pillar.get']('a:m:k', default={'z':1}, merge=True) }}"
b:
  test.nop:
    - name: "{{ salt['pillar.item']('a:l','zz') }}|{{ salt['pillar.keys']('a') }}|{{ salt['pillar.raw']('a')|length }}"
c:
  test.nop:
    - name: "{{ salt['pillar.fetch']('a:zz','dd') }}|{{ salt['pillar.get']('1:x') }}|{{ salt['pillar.get']('a,l', delimiter=',') }}"
d:
  test.nop:
    - name: "{{ salt['pillar.filter_by']({'default':{'x':1},'q':{'x':2}}, pillar='role') }}|{{ salt['pillar.data']()|length }}|{{ salt['pillar.items']('role') }}"
e:
  test.nop:
    - name: "{{ salt['grains.filter_by']({'Debian':{'x':1},'default':{'x':2}}, grain='myos', merge={'y':3}, base='default') }}|{{ salt['grains.get']('zz','d') }}|{{ salt['grains.get']('deep:k') }}"
f:
  test.nop:
    - name: "{{ salt['config.get']('role') }}|{{ salt['config.option']('role') }}|{{ salt['grains.has_value']('myos') }}|{{ salt['grains.item']('myos') }}|{{ salt['grains.fetch']('deep:k') }}"
