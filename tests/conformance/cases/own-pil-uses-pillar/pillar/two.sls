j: "{{ pillar.get('k', 'unseen') }}"
