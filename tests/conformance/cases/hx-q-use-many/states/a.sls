base1:
  file.managed:
    - name: @ROOT@/base1
    - mode: '0600'
    - contents: from base1
    - makedirs: True
base2:
  file.managed:
    - name: @ROOT@/base2
    - contents: from base2
    - mode: '0640'
user1:
  file.managed:
    - name: @ROOT@/user1
    - use:
      - file: base1
      - file: base2
user2:
  file.managed:
    - names:
      - @ROOT@/u2a
      - @ROOT@/u2b:
        - mode: '0604'
    - use:
      - file: base1
user3:
  file.managed:
    - name: @ROOT@/user3
    - mode: '0666'
    - use:
      - file: user1
give:
  file.managed:
    - name: @ROOT@/give
    - contents: given
    - mode: '0611'
    - use_in:
      - file: user4
      - cmd: c4
user4:
  file.managed:
    - name: @ROOT@/user4
c4:
  cmd.run:
    - name: echo c4
