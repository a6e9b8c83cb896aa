a:
  file.managed:
    - name: @ROOT@/x
    - contents: x
    - unless: test "$HOME" = /nowhere
    - onlyif: test -d .
b:
  test.succeed_with_changes:
    - onlyif: 'test -e /etc/passwd && test ! -e /nope'
c:
  test.succeed_with_changes:
    - onlyif: |
        test -e /etc/passwd
        test -e /nope
d:
  test.succeed_with_changes:
    - onlyif:
      - test -e /etc/passwd
      - [test, -e, /nope]
