using System.Buffers;

namespace Sidecar.Daemon.Inspection;

/// <summary>Turns a request target into the path that routes match on: normalised once (rule 9). Stateless; takes any input, never throws.</summary>
/// <remarks>
/// Targets are byte strings with one char per byte. Work and memory are linear in the target's length, which the listener bounds.
/// A <c>\</c> stays what it is in the standard reading, as RFC 3986 has it: whether it separates segments is one of the differences
/// between servers that <see cref="PathReading"/> names, and <see cref="RouteTable"/> takes both sides of each.
/// </remarks>
internal static class PathNormalizer
{
    private const int StackLimit = 512;

    private static readonly SearchValues<char> Marking = SearchValues.Create("%\\;#.");

    private static readonly SearchValues<char> Changing = SearchValues.Create("%\\;");

    private static readonly SearchValues<char> SchemeChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

    // An escaped dot is a dot in every reading, so it makes a segment that goes up as well.
    private static readonly (string Mark, PathReading Reading)[] Marks =
    [
        ("%", PathReading.EscapesDecoded),
        ("\\", PathReading.BackslashSeparates),
        ("%5c", PathReading.BackslashSeparates),
        (";", PathReading.ParametersDropped),
        ("%3b", PathReading.ParametersDropped),
        ("#", PathReading.FragmentKept),
        ("..", PathReading.EmptySegmentsCount),
        ("%2e", PathReading.EmptySegmentsCount),
    ];

    /// <summary>The path in the standard reading. It begins with <c>/</c>, except that <c>*</c> stays; an empty path is <c>/</c>.</summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    /// <returns>The very string given when that already is a normal path.</returns>
    public static string Normalize(string target) => Normalize(target, PathReading.Standard);

    /// <summary>The path in one reading.</summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    /// <param name="reading">How to read it.</param>
    public static string Normalize(string target, PathReading reading)
    {
        ArgumentNullException.ThrowIfNull(target);
        var needed = BufferFor(target);
        char[]? rented = null;
        var buffer = needed <= StackLimit ? stackalloc char[StackLimit] : (rented = ArrayPool<char>.Shared.Rent(needed));
        var path = Normalize(RawPath(target.AsSpan()), reading, buffer);
        var result = path.SequenceEqual(target) ? target : path.ToString();
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return result;
    }

    /// <summary>How many chars <see cref="Normalize(ReadOnlySpan{char}, PathReading, Span{char})"/> may write for this target.</summary>
    public static int BufferFor(ReadOnlySpan<char> target) => target.Length + 1;

    /// <summary>The path as a server sees it that does nothing but cut the query; of an absolute form, what follows the authority.</summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    public static string RawPath(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var path = RawPath(target.AsSpan());
        return path.Length == target.Length ? target : path.ToString();
    }

    /// <summary>The path as a server sees it that does nothing but cut the query, as a slice of the target.</summary>
    public static ReadOnlySpan<char> RawPath(ReadOnlySpan<char> target)
    {
        var path = CutAt(target, '?');
        var authority = EndOfScheme(path);
        if (authority < 0)
        {
            return path;
        }

        var rest = path[authority..];
        var end = rest.IndexOfAny('/', '\\', '#');
        return end < 0 ? default : rest[end..];
    }

    /// <summary>In which ways servers may differ about this path. Nearly every path of an honest client has none.</summary>
    /// <param name="rawPath">What <see cref="RawPath(ReadOnlySpan{char})"/> returned.</param>
    public static PathReading Differences(ReadOnlySpan<char> rawPath)
    {
        var differences = PathReading.Standard;
        if (!rawPath.ContainsAny(Marking))
        {
            return differences;
        }

        foreach (var (mark, reading) in Marks)
        {
            if (rawPath.Contains(mark, StringComparison.OrdinalIgnoreCase))
            {
                differences |= reading;
            }
        }

        // Without escapes it makes no difference when parameters are dropped.
        return (differences & PathReading.EscapesDecoded) != 0 && rawPath.Contains(';') ? differences | PathReading.ParametersDroppedFirst : differences;
    }

    /// <summary>The path in one reading.</summary>
    /// <param name="rawPath">What <see cref="RawPath(ReadOnlySpan{char})"/> returned.</param>
    /// <param name="reading">How to read it.</param>
    /// <param name="buffer">At least <see cref="BufferFor"/> chars.</param>
    /// <returns>A slice of <paramref name="rawPath"/> when that is normal already, else of <paramref name="buffer"/>.</returns>
    public static ReadOnlySpan<char> Normalize(ReadOnlySpan<char> rawPath, PathReading reading, Span<char> buffer)
    {
        var path = (reading & PathReading.FragmentKept) == 0 ? CutAt(rawPath, '#') : rawPath;
        if (path is "*" || IsPlain(path))
        {
            return path;
        }

        var writer = new PathWriter(buffer, reading);
        writer.Write(path);
        return writer.Finish();
    }

    private static ReadOnlySpan<char> CutAt(ReadOnlySpan<char> text, char mark)
    {
        var at = text.IndexOf(mark);
        return at < 0 ? text : text[..at];
    }

    // The length of "scheme://", or -1 where the target is not in absolute form.
    private static int EndOfScheme(ReadOnlySpan<char> target)
    {
        if (target.IsEmpty || !char.IsAsciiLetter(target[0]))
        {
            return -1;
        }

        var end = target.IndexOfAnyExcept(SchemeChars);
        return end > 0 && target[end..].StartsWith("://") ? end + "://".Length : -1;
    }

    // Normal in every reading: nothing in it that any of them changes. False may be a false alarm.
    private static bool IsPlain(ReadOnlySpan<char> path) =>
        path is ['/', ..]
        && !path.ContainsAny(Changing)
        && !path.Contains("//", StringComparison.Ordinal)
        && !path.Contains("/.", StringComparison.Ordinal);
}
