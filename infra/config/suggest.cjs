// Finds the known name that is closest to a misspelt one. Plain JavaScript, because the command line uses it before
// packages are installed.

/**
 * The closest name in `known` with at most a third of the letters changed, or undefined.
 * @param {string} word
 * @param {readonly string[]} known
 * @returns {string | undefined}
 */
function suggest(word, known) {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.ceil(word.length / 3) ? best.name : undefined;
}

/**
 * @param {string} a
 * @param {string} b
 */
function editDistance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

module.exports = { suggest };
