plain: {own: loses, more: yes}
