jnull:
  file.serialize:
    - name: @ROOT@/jnull
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{indent: null}]
jsep:
  file.serialize:
    - name: @ROOT@/jsep
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{indent: null}, {separators: [',', ':']}, {sort_keys: False}]
jsep2:
  file.serialize:
    - name: @ROOT@/jsep2
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{separators: [' ,', ' = ']}]
jascii:
  file.serialize:
    - name: @ROOT@/jascii
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{ensure_ascii: True}]
jbad:
  file.serialize:
    - name: @ROOT@/jbad
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{nosuch: 1}]
yflow:
  file.serialize:
    - name: @ROOT@/yflow
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{default_flow_style: True}]
ymixed:
  file.serialize:
    - name: @ROOT@/ymixed
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{default_flow_style: null}]
ystart:
  file.serialize:
    - name: @ROOT@/ystart
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{explicit_start: True}]
ystartflow:
  file.serialize:
    - name: @ROOT@/ystartflow
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{explicit_start: True}, {default_flow_style: True}]
yuni:
  file.serialize:
    - name: @ROOT@/yuni
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{allow_unicode: True}, {sort_keys: False}]
ywidth:
  file.serialize:
    - name: @ROOT@/ywidth
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{width: 20}, {allow_unicode: True}]
ywide:
  file.serialize:
    - name: @ROOT@/ywide
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{width: 9999}]
ynarrow:
  file.serialize:
    - name: @ROOT@/ynarrow
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{width: 3}]
yneg:
  file.serialize:
    - name: @ROOT@/yneg
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{width: -1}]
yindent:
  file.serialize:
    - name: @ROOT@/yindent
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{indent: 4}, {default_flow_style: True}, {width: 30}]
ybad:
  file.serialize:
    - name: @ROOT@/ybad
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: yaml
    - serializer_opts: [{nosuch: 1}]
last:
  file.serialize:
    - name: @ROOT@/last
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - serializer: json
    - serializer_opts: [{indent: 1}, {indent: 3}]
enc:
  file.serialize:
    - name: @ROOT@/enc
    - dataset: {b: [1, x, [2, {k: v}]], a: {k: ü, e: {}}, c: 'a text that is longer than the few columns that a line may have here'}
    - encoding: utf-8
scalar:
  file.serialize:
    - name: @ROOT@/scalar
    - dataset: plain
    - serializer_opts: [{explicit_start: True}]
