{% set nested = [[1, 2], [3]] %}
a:
  test.nop:
    - name: "{{ nested.0.1 }}{{ '  a b  c '.split(none,1) }}{{ '  a b  c '.rsplit(none,1) }}{{ [1,2,1].index(1,-1) }}"
b:
  test.nop:
    - name: "{{ [1,2]|product(repeat=2)|list }}{{ 5.7|to_num }}{{ true|to_num }}{{ {1:{'b':2}}|traverse('1:b') }}{{ {80:'w'}|traverse('80') }}"
c:
  test.nop:
    - name: "{{ {'a':['x',1]}|json_decode_dict }}{{ 'a'|to_bytes }}"
