a:
  test.nop:
    - name: "{{ salt['defaults.get']('app:k') }}"
b:
  test.nop:
    - name: "{{ salt['defaults.get']('app:z', 'dd') }}"
c:
  test.nop:
    - name: "{{ salt['defaults.merge']({'a':{'b':1}},{'a':{'c':2}}) }}{{ salt['defaults.update']({'x':{'q':1}}, {'r':2}) }}{{ salt['defaults.deepcopy']([1]) }}"
