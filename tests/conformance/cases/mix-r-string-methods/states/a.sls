f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ 'a-b_c d'.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }}
        {{ 'abc'.startswith(('x','a')) }} {{ 'abc'.endswith('c') }} {{ 'hello'.find('l') }} {{ 'hello'.rfind('l') }} {{ 'hello'.index('e') }} {{ 'hello'.count('l') }}
        {{ 'x'.zfill(3) }} {{ '-1'.zfill(4) }} {{ 'x'.ljust(3, '.') }} {{ 'x'.rjust(3, '.') }} {{ 'x'.center(4, '*') }} {{ '  x '.strip() }}| {{ 'xxaxx'.strip('x') }} {{ 'xxaxx'.lstrip('x') }} {{ 'xxaxx'.rstrip('x') }}
        {{ 'Hello World'.swapcase() }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'ß'.casefold() }} {{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'Ab'.istitle() }}
        {{ 'a\nb'.splitlines() }} {{ 'abc'.replace('b','x') }} {{ 'aXbX'.replace('X','-',1) }} {{ '-'.join(['a','b']) }} {{ 'abc'[1:] }} {{ 'abc'[::-1] }} {{ 'abc'[-1] }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }}
        {{ '%s-%05d-%.2f-%x' % ('a', 42, 3.14159, 255) }} {{ '%(a)s' % {'a': 1} }} {{ '{0}-{1:>5}-{name!r}'.format(1, 'x', name='n') }} {{ '{:,}'.format(1234567) }} {{ '{:.1%}'.format(0.256) }} {{ 'a'.encode('utf-8') }} {{ 'abc'.translate({97: 'x'}) }}
