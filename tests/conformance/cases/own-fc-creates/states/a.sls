a:
  test.succeed_with_changes:
    - creates: @ROOT@/have
b:
  file.managed:
    - name: @ROOT@/b
    - contents: x
    - creates: [@ROOT@/have]
c:
  test.succeed_with_changes:
    - creates: []
d:
  test.succeed_with_changes:
    - creates: @ROOT@/link
e:
  test.succeed_with_changes:
    - creates: @ROOT@/ha*
f:
  test.succeed_with_changes:
    - creates: 5
g:
  test.succeed_with_changes:
    - creates: null
h:
  test.succeed_with_changes:
    - creates: @ROOT@
