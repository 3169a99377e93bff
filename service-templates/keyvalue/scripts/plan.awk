# What the nodes of a cluster should do next, from the lines of `nodes` (see cluster): the first of these that is needed.
#   alone ADDRESS        this replica shall have a part of the keys
#   weights ID=1 ID=0 …  the keys shall be moved: away from those with 0, evenly to those with 1
#   copy ADDRESS ID      this node shall be a replica of that one
# Nothing while a node that shall stay is away. Variables: wanted (slots that stay), replicas (on or off).
$5 { seen[$1] = 1; owned[$1] = $2; id[$1] = $3; at[$1] = $4; of[$1] = $6 }

END {
    for (slot = 0; slot < wanted; slot++) if (!seen[slot]) exit
    # With fewer than three parts nobody could decide that one is gone.
    parts = replicas == "on" && wanted >= 6 ? int(wanted / 2) : wanted
    # Whoever has a part keeps it, if possible.
    for (turn = 1; turn <= 3; turn++)
        for (slot = 0; slot < wanted; slot++)
            if (chosen < parts && !(slot in part) && (owned[slot] || turn == 2 && of[slot] == "-" || turn == 3)) {
                part[slot] = 1
                chosen++
            }

    for (slot in part) if (of[slot] != "-") { print "alone", at[slot]; busy = 1 }
    if (busy) exit

    # Less than half of what is even: new, or left so by a move that was interrupted.
    half = parts ? int(16384 / parts / 2) : 0
    for (slot in seen) {
        if (of[slot] != "-") continue
        if (slot in part ? owned[slot] < half : owned[slot]) busy = 1
        text = text " " id[slot] "=" (slot in part ? 1 : 0)
    }
    if (busy) { print "weights" text; exit }

    for (slot in part) by_id[id[slot]] = slot
    for (slot = 0; slot < wanted; slot++)
        if (!(slot in part) && of[slot] in by_id) { copies[by_id[of[slot]]]++; copy[slot] = by_id[of[slot]] }
    for (slot = 0; slot < wanted; slot++) {
        if (slot in part) continue
        least = ""
        for (other in part) if (least == "" || copies[other] + 0 < copies[least] + 0) least = other
        if (slot in copy && (copies[least] + 0 > 0 || copies[copy[slot]] < 2)) continue
        if (slot in copy) copies[copy[slot]]--
        print "copy", at[slot], id[least]
        copies[least]++
    }
}
