body: "{{ '{{ v }}' }} and {{ '{{ grains.id }}' }}"
