single:
  file.managed:
    - name: @ROOT@/single
    - contents: >-
        __slot__:salt:test.echo('a)
double:
  file.managed:
    - name: @ROOT@/double
    - contents: >-
        __slot__:salt:test.echo("a)
escape:
  file.managed:
    - name: @ROOT@/escape
    - contents: >-
        __slot__:salt:test.echo(a\
bracket:
  file.managed:
    - name: @ROOT@/bracket
    - contents: >-
        __slot__:salt:test.echo([a)
closed:
  file.managed:
    - name: @ROOT@/closed
    - contents: >-
        __slot__:salt:test.echo(a
nothing:
  file.managed:
    - name: @ROOT@/nothing
    - contents: >-
        __slot__:salt:test.echo
path:
  file.managed:
    - name: @ROOT@/path
    - contents: >-
        __slot__:salt:test.arg(a)x
none:
  file.managed:
    - name: @ROOT@/none
    - contents: >-
        __slot__:salt:
