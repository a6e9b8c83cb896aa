app:
  file.managed:
    - name: @ROOT@/app
    - contents: v{{ pillar.get('ver', '1') }}
