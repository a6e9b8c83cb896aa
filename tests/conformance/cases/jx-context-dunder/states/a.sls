{% set c = salt['slsutil.merge']({'a':1,'l':[1]},{'b':2,'l':[2]}) %}
a:
  test.nop:
    - name: "{{ c }}"
b:
  test.nop:
    - name: "{{ salt['slsutil.merge']({'l':[1]},{'l':[2]},merge_lists=True) }}"
c:
  test.nop:
    - name: "{{ salt['slsutil.update']({'a':1},{'a':{'b':2}}) }}"
d:
  test.nop:
    - name: "{{ salt['slsutil.merge_all']([{'a':1},{'b':2}]) }}"
e:
  test.nop:
    - name: "{{ salt['slsutil.boolstr'](true) }}"
f:
  test.nop:
    - name: "{{ salt['slsutil.serialize']('json',{'a':1}) }}"
g:
  test.nop:
    - name: '{{ salt["slsutil.deserialize"]("json","{\"a\":1}") }}'
h:
  test.nop:
    - name: "{{ salt['slsutil.renderer'](string='a: 1', default_renderer='yaml') }}"
i:
  test.nop:
    - name: "{{ salt['slsutil.path_exists']('a.sls') }}{{ salt['slsutil.file_exists']('zz') }}{{ salt['slsutil.dir_exists']('d') }}"
j:
  test.nop:
    - name: "{{ salt['slsutil.findup']('d/e','f.txt') }}"
