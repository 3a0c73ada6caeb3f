# SPDX-License-Identifier: GPL-3.0-or-later
set datafile separator ","
set terminal pngcairo size 320,240
set output ARG1."/toy2.png"
plot ARG1."/summary.csv" skip 1 using 3:5 with points notitle
set terminal svg size 320,240
set output ARG1."/toy2.svg"
replot
set terminal pdfcairo size 3in,2in
set output ARG1."/toy2.pdf"
replot
