namespace Sidecar.Daemon.Configuration;

/// <summary>Finds what somebody meant who wrote a word that is none of those known.</summary>
internal static class Nearest
{
    // More letters than this are no slip.
    private const int MostSlips = 2;

    // Longer words and more of them are not compared: a file can have thousands of either, and no time to spend on them.
    private const int MostLetters = 32;
    private const int MostKnown = 256;

    // Of a word, which would else be another one.
    private const int PartWrong = 3;

    /// <summary>A question to end a message with, <c>; did you mean X?</c>.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="known">What might have been meant.</param>
    /// <param name="otherwise">What to end with when no known word is near.</param>
    public static string Hint(string written, IEnumerable<string> known, string otherwise = "") =>
        Of(written, known) is { } near ? $"; did you mean {near}?" : otherwise;

    /// <summary>The nearest known word: at most two slips away, and at most a third of it wrong; null when there is none.</summary>
    public static string? Of(string written, IEnumerable<string> known)
    {
        string? nearest = null;
        var least = int.MaxValue;
        foreach (var word in known.Take(written.Length > MostLetters ? 0 : MostKnown))
        {
            // Which of the two a dash or an underscore is, is no slip.
            var most = Math.Min(MostSlips, Math.Max(written.Length, word.Length) / PartWrong);
            if (Math.Abs(written.Length - word.Length) <= most && Distance(Folded(written), Folded(word)) is var distance
                && distance <= most && distance < least)
            {
                (nearest, least) = (word, distance);
            }
        }

        return nearest;
    }

    private static string Folded(string word) => word.ToLowerInvariant().Replace('-', '_');

    // Letters left out, added, changed, or two that changed places (Damerau and Levenshtein, each place at most once).
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var changed = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(changed, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
