using System.Globalization;
using System.Text;

namespace Sidecar.Protocol.Messages;

/// <summary>
/// Makes text that a peer chose fit for a log line, a table or an error message: one line, no control of a terminal, not too long.
/// Stateless.
/// </summary>
/// <remarks>The one place for this: whatever shows text of a client, a proxy or an agent takes it through here.</remarks>
internal static class PeerText
{
    /// <summary>Longest text that is shown where nothing else is said, in characters.</summary>
    public const int MaxLength = 1024;

    /// <summary>Longest piece of a peer's text within a message of ours, in characters.</summary>
    public const int MaxQuoted = 64;

    /// <summary>
    /// The text with every control character, line or paragraph separator, format character (the marks that turn the direction of writing
    /// among them) and half of a surrogate pair as a visible escape such as <c>\u001b</c>; what is longer than the limit ends in <c>…</c>.
    /// </summary>
    /// <param name="text">The text; null is empty.</param>
    /// <param name="maxLength">Most characters of the result, without the <c>…</c>.</param>
    /// <returns>The very text given when nothing in it has to change.</returns>
    public static string Clean(string? text, int maxLength = MaxLength)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var clean = CleanLength(text);
        if (clean == text.Length && text.Length <= maxLength)
        {
            return text;
        }

        var shown = new StringBuilder(Math.Min(text.Length, maxLength) + 16);
        for (var at = 0; at < text.Length;)
        {
            var isPaired = Rune.TryGetRuneAt(text, at, out var rune);
            var length = isPaired ? rune.Utf16SequenceLength : 1;
            var piece = isPaired && IsHarmless(rune) ? text.Substring(at, length) : Escape(text.AsSpan(at, length));
            if (shown.Length + piece.Length > maxLength)
            {
                return shown.Append('…').ToString();
            }

            shown.Append(piece);
            at += length;
        }

        return shown.ToString();
    }

    /// <summary>
    /// A short piece of a peer's text in quotes, for a message of ours; its own quotes are escaped, so that it cannot end them.
    /// </summary>
    public static string Quote(string? text) => $"'{Inner(text)}'";

    /// <summary>A short piece of a peer's text as <see cref="Quote"/> writes it, for a message that has the quotes already.</summary>
    public static string Inner(string? text) => Clean(text, MaxQuoted).Replace("'", "\\u0027", StringComparison.Ordinal);

    // How many chars at the beginning need no change.
    private static int CleanLength(string text)
    {
        var at = 0;
        while (at < text.Length && text[at] is >= ' ' and <= '~')
        {
            at++;
        }

        while (at < text.Length && Rune.TryGetRuneAt(text, at, out var rune) && IsHarmless(rune))
        {
            at += rune.Utf16SequenceLength;
        }

        return at;
    }

    private static bool IsHarmless(Rune rune) => rune.Value is >= ' ' and <= '~' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static string Escape(ReadOnlySpan<char> chars)
    {
        var escape = new StringBuilder();
        foreach (var c in chars)
        {
            escape.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }

        return escape.ToString();
    }
}
