{% set reboot = pillar['config'].get('reboot', True) %}
config_grub:
  file.append:
    - name: /mnt/etc/default/grub
    - text:
      - GRUB_TIMEOUT=8
      - 'GRUB_CMDLINE="a b"'
multi:
  file.append:
    - name: /mnt/etc/default/grub
    - text: |
        {% for n in salt.network.interfaces() | select('!=', 'lo') %}
        NIC_{{ loop.index }}={{ n }}
        {% endfor %}
mkconfig:
  cmd.run:
    - name: grub2-mkconfig -o /boot/grub2/grub.cfg
    - root: /mnt
    - watch:
      - file: /mnt/etc/default/grub
hash:
  module.run:
    - file.set_hash:
      - path: /mnt/etc/x
      - value: "$1$wYJ/\
          tail"
{% if reboot %}
reboot:
  module.run:
    - system.{{ reboot if reboot is string else 'reboot' }}:
    - require:
      - cmd: mkconfig
{% endif %}
