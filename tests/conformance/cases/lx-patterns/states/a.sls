a:
  test.nop:
    - name: "{{ 'a1b2'|regex_search('([a-z])(?=2)') }}{{ 'foo.tar.gz'|regex_replace('(?<=foo)\\.', '-') }}{{ 'web-01' is match('web-(?!02)') }}"
b:
  test.nop:
    - name: "{{ ['web-01','db-02']|select('match','web(?=-)')|list }}{{ 'aa b'|regex_search('(a)\\1') }}{{ 'foo'|regex_replace('o*', 'x') }}"
c:
  test.nop:
    - name: {{ ("a\nb\n"|regex_search('(b)$'))|json }}
d:
  test.nop:
    - name: "{{ 'abc'|regex_replace('', '-') }}{{ 'x'|regex_replace('x', 'a$1') }}{{ 'ab'|regex_replace('(a)', '<\\g<1>>') }}"
