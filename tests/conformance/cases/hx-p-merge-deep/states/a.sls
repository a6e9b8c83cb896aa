f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ pillar | json }}
        {{ salt['pillar.get']('m:n:x:deep') }} {{ pillar.m.s }} {{ pillar['t'] }}
