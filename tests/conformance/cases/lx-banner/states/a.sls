{% set b = salt['slsutil.banner'](width=40,title='hello',text='some-long text with well-known words and averyveryveryveryverylongwordthatdoesnotfit here') %}
a:
  file.managed:
    - name: @ROOT@/a
    - contents: {{ b|json }}
b:
  file.managed:
    - name: @ROOT@/b
    - contents: {{ salt['slsutil.banner'](commentchar=' *', borderchar='*', blockstart='/**', blockend=' */', newline=True)|json }}
c:
  file.managed:
    - name: @ROOT@/c
    - contents: {{ salt['slsutil.banner'](commentchar='//', borderchar='=-')|json }}
