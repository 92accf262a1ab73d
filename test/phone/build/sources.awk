# Reads Debian's own entries from apt's source files and prints them as deb822 stanzas for both architectures and for
# source packages. Other vendors' repositories are left out: the phone is made of Debian and nothing else. Backports,
# which few machines name, lie beside the release itself.
# usage: awk -v codename=NAME -v index_name=apt|apt-backports -f sources.awk FILE.list… FILE.sources…

# The suite to print in place of one that was read, or nothing.
function wanted(suite) {
  if (index_name == "apt-backports") return suite == codename ? codename "-backports" : ""
  return suite == codename || suite == codename "-updates" || suite == codename "-security" ? suite : ""
}

function stanza(uris, suites, signed_by) {
  printf "Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64 arm64\n", uris, suites
  if (signed_by != "") printf "Signed-By: %s\n", signed_by
  printf "\n"
}

function end_stanza(   i, count, names, suites) {
  count = split(field["Suites"], names, " ")
  for (i = 1; i <= count; i++) if (wanted(names[i])) suites = suites (suites == "" ? "" : " ") wanted(names[i])
  if (suites != "" && (" " field["Types"] " ") ~ / deb / && (" " field["Components"] " ") ~ / main / && field["Enabled"] != "no")
    stanza(field["URIs"], suites, field["Signed-By"])
  delete field
}

FNR == 1 { end_stanza() }
/^#/ { next }

# classic form: deb [signed-by=FILE] URI SUITE COMPONENT…
FILENAME ~ /\.list$/ {
  if ($1 != "deb") next
  key = match($0, /signed-by=[^] ]+/) ? substr($0, RSTART + 10, RLENGTH - 10) : ""
  sub(/\[[^]]*\]/, "")
  if (wanted($3) && $4 == "main") stanza($2, wanted($3), key)
  next
}

# deb822 form
/^[ \t]*$/ { end_stanza(); next }
/^[ \t]/ { next }
{ name = $1; sub(/:$/, "", name); value = $0; sub(/^[^:]*:[ \t]*/, "", value); field[name] = value }
END { end_stanza() }
