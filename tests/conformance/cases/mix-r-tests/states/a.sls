f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ 1 is number }} {{ '1' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ () is iterable }} {{ none is none }} {{ x is defined }} {{ x is undefined }}
        {{ 4 is even }} {{ 4 is divisibleby 2 }} {{ 3 is odd }} {{ 1 is in [1] }} {{ 1 is not in [1] }} {{ 'a' is sameas 'a' }} {{ true is boolean }} {{ 1.0 is float }} {{ 1 is integer }} {{ true is integer }}
        {{ 'ABC' is upper }} {{ 'abc' is lower }} {{ 5 is gt 4 }} {{ 5 is ge(5) }} {{ 5 is ne 5 }} {{ range is callable }} {{ [1] is list }} {{ 'upper' is filter }} {{ 'list' is test }} {{ 'nofil' is filter }}
