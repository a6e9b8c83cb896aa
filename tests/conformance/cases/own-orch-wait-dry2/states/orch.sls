w:
  salt.wait_for_event:
    - name: lab/*/x
    - id_list: [a, b]
    - event_id: id
    - timeout: 1
  test.nop: []
d:
  test.nop:
    - onchanges:
      - salt: w
    - onfail:
      - salt: w
