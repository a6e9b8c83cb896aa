# A power cut loses what was not synced and nothing else: the ground that the other cases stand on.
case $BOOT in
  1)
    echo kept >/srv/synced
    sync
    echo lost >/srv/not-synced
    cut_power
    ;;
  2)
    has kept cat /srv/synced
    [ ! -s /srv/not-synced ] || fail "what was never synced survived: this is no power cut"
    pass
    ;;
esac
