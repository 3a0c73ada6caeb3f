# Shared by the figures that show grids of images; loaded after style.gp.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# the methods of jebm-mnist in the order of the figures: place in the palette, name
METHODS = "jarzynski pcd pcd_noise cd unweighted"
NAMES = "'Algorithm 2 (Jarzynski)' PCD 'PCD from noise' CD 'Algorithm 2 without weights'"
LOOKS = "1 6 2 7 4"
place(m) = int(sum [i = 1:words(METHODS)] (word(METHODS, i) eq m ? i : 0))
name(m) = word(NAMES, place(m))
look(m) = int(word(LOOKS, place(m)))

# of the methods that are in a file, in that order, and the first variant of each
found_in(file, what, m) = system("LC_ALL=C awk -F, -v m='".m."' " \
    ."'NR > 1 && $1 == m { print \"".what."\" == \"method\" ? $1 : $2; exit }' \"".file."\"")
present(file) = (FOUND = "", sum [i = 1:words(METHODS)] \
    (strlen(found_in(file, "method", word(METHODS, i))) \
        ? (FOUND = with_item(FOUND, word(METHODS, i)), 0) : 0), FOUND)
variants(file, m) = system("LC_ALL=C awk -F, -v m='".m."' 'NR > 1 && $1 == m && !($2 in seen) " \
    ."{ seen[$2]; printf \"%s \", $2 }' \"".file."\"")

# a grid that a run left: walkers, resampled (with weights only), weights
grid(dir, m, v, run, what) = dir."/images/".m.(v eq "-" ? "" : "-".v)."-".run."-".what.".png"
# the walkers as the method means them
samples(dir, m, v, run) = grid(dir, m, v, run, m eq "jarzynski" ? "resampled" : "walkers")

# a picture fills its panel, pixels stay square
PICTURE = "unset key; unset tics; unset border; unset grid; set size ratio -1;" \
    ."set autoscale fix; set xlabel ''; set ylabel ''"

# what else a manifest says: the labels of the classes, and one of them
class(dir, j) = word(field(dir, "classes"), j)

# SVG with the pictures in it, not beside it
picture_terminal(format, width, height) = format ne "svg" ? terminal(format, width, height) \
    : sprintf("set terminal svg standalone size %d,%d enhanced font 'sans,11' background '#FFFFFF'", \
        width, height)
