# Draws latency against load as SVG, both axes logarithmic. Each line of the input: calls in flight, name of the series, p50 and p99 in µs; the lines of a
# series in order. At most two series. The colours follow the reader's (prefers-color-scheme), on a ground of their own.
function x_of(load) { return left + (log(load) - log(first)) / (log(last) - log(first)) * (right - left) }
function y_of(time) { return bottom - (log(time) - log(low)) / (log(high) - log(low)) * (bottom - top) }
{
  if (!($2 in number)) { number[$2] = ++series; names[series] = $2 }
  for (k = 3; k <= 4; k++) {
    key = number[$2] "." k
    loads[key, ++count[key]] = $1; times[key, count[key]] = $k
    if (least == 0 || $k < least) least = $k
    if ($k > most) most = $k
  }
  if (first == 0 || $1 < first) first = $1
  if ($1 > last) last = $1
  ticks[$1]
}
END {
  width = 800; height = 440; left = 70; right = 660; top = 48; bottom = 384
  gsub(/_/, " ", names[1]); gsub(/_/, " ", names[2])
  for (low = 1; low * 10 <= least; low *= 10);
  if (low * 5 <= least) low *= 5; else if (low * 2 <= least) low *= 2
  for (high = 1; high < most; high *= 10);
  if (high / 5 >= most) high /= 5; else if (high / 2 >= most) high /= 2
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width, height
  printf "<title>Latency against calls in flight: %s and %s</title>\n", names[1], names[2]
  print "<style>"
  print "  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .quiet { fill: #59636e } .ground { fill: #ffffff } .grid { stroke: #d1d9e0 }"
  print "  .s1 { stroke: #0969da } .s2 { stroke: #bc4c00 } .l1 { fill: #0969da } .l2 { fill: #bc4c00 } .line { fill: none; stroke-width: 2 }"
  print "  @media (prefers-color-scheme: dark) {"
  print "    text { fill: #f0f6fc } .quiet { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #3d444d }"
  print "    .s1 { stroke: #4493f8 } .s2 { stroke: #f0883e } .l1 { fill: #4493f8 } .l2 { fill: #f0883e }"
  print "  }"
  print "</style>"
  printf "<rect class=\"ground\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", width, height
  printf "<text x=\"%d\" y=\"26\">Latency of a call, µs</text>\n", 16
  for (decade = 1; decade <= high; decade *= 10) for (k = 1; k <= 5; k += k == 1 ? 1 : 3) {
    mark = decade * k
    if (mark < low || mark > high) continue
    printf "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", left, y_of(mark), right
    printf "<text class=\"quiet\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", left - 8, y_of(mark) + 4, mark
  }
  for (load in ticks) printf "<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", x_of(load), bottom + 20, load
  printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">calls in flight</text>\n", (left + right) / 2, bottom + 44
  for (s = 1; s <= series; s++) for (k = 3; k <= 4; k++) {
    key = s "." k; path = ""; points = ""
    for (i = 1; i <= count[key]; i++) {
      path = path (i == 1 ? "M" : " L") sprintf("%.1f %.1f", x_of(loads[key, i]), y_of(times[key, i]))
      points = points sprintf("<circle class=\"l%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", s, x_of(loads[key, i]), y_of(times[key, i]))
    }
    printf "<path class=\"line s%d\"%s d=\"%s\"/>%s\n", s, k == 4 ? " stroke-dasharray=\"6 4\"" : "", path, points
    n = ++labels
    at[n] = y_of(times[key, count[key]]); text[n] = names[s] (k == 3 ? ", p50" : ", p99"); class[n] = "l" s
  }
  # From the top down, none over the other.
  for (done = 0; done < labels; done++) {
    next_one = 0
    for (n = 1; n <= labels; n++) if (!(n in drawn) && (next_one == 0 || at[n] < at[next_one])) next_one = n
    drawn[next_one]
    y = at[next_one]; if (done && y < above + 17) y = above + 17
    above = y
    printf "<text class=\"%s\" x=\"%d\" y=\"%.1f\">%s</text>\n", class[next_one], right + 10, y + 4, text[next_one]
  }
  print "</svg>"
}
