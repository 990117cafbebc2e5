using System.Buffers;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>
/// Does one <see cref="PathStep"/> to a path. Stateless; takes any input, never throws. The work is linear in the path's length.
/// </summary>
internal static class PathSteps
{
    private static readonly SearchValues<char> Marking = SearchValues.Create("%\\;#");

    /// <summary>Every step there is.</summary>
    public static ReadOnlySpan<PathStep> All =>
    [
        PathStep.CutFragment, PathStep.DecodeUnreserved, PathStep.Decode, PathStep.TurnBackslashes, PathStep.DropParameters,
        PathStep.MergeSlashes, PathStep.Climb,
    ];

    /// <summary>
    /// Whether every step leaves the path as it is. Nearly every path of an honest client is so; false may be a false alarm.
    /// </summary>
    public static bool LeaveAlone(ReadOnlySpan<char> path) =>
        path is "*" || (path is ['/', ..] && !path.ContainsAny(Marking) && !HasRepeatedSlash(path) && !MayHaveDotSegment(path));

    /// <summary>Whether the step may change the path.</summary>
    public static bool MayChange(PathStep step, ReadOnlySpan<char> path) => path is not "*" && step switch
    {
        PathStep.CutFragment => path.Contains('#'),
        PathStep.DecodeUnreserved or PathStep.Decode => path.Contains('%'),
        PathStep.TurnBackslashes => path.Contains('\\'),
        PathStep.DropParameters => path.Contains(';'),
        PathStep.MergeSlashes => HasRepeatedSlash(path),
        _ => path is not ['/', ..] || MayHaveDotSegment(path),
    };

    /// <summary>Does the step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="path">The path.</param>
    /// <param name="output">Room for one char more than the path has.</param>
    /// <returns>How many chars were written.</returns>
    public static int Apply(PathStep step, ReadOnlySpan<char> path, Span<char> output)
    {
        switch (step)
        {
            case PathStep.DecodeUnreserved: return Decode(path, output, onlyUnreserved: true);
            case PathStep.Decode: return Decode(path, output, onlyUnreserved: false);
            case PathStep.DropParameters: return DropParameters(path, output);
            case PathStep.MergeSlashes: return MergeSlashes(path, output);
            case PathStep.Climb: return Climb(path, output);
            case PathStep.TurnBackslashes:
                path.Replace(output, '\\', '/');
                return path.Length;
            default:
                var kept = path.IndexOf('#') is >= 0 and var end ? path[..end] : path;
                kept.CopyTo(output);
                return kept.Length;
        }
    }

    private static bool HasRepeatedSlash(ReadOnlySpan<char> path) => path.Contains("//", StringComparison.Ordinal);

    private static bool MayHaveDotSegment(ReadOnlySpan<char> path) => path.Contains("/.", StringComparison.Ordinal);

    // What is no escape stands as it is.
    private static int Decode(ReadOnlySpan<char> path, Span<char> output, bool onlyUnreserved)
    {
        var length = 0;
        for (var at = 0; at < path.Length; at++)
        {
            var next = path[at];
            if (next == '%' && path.Length - at > 2 && char.IsAsciiHexDigit(path[at + 1]) && char.IsAsciiHexDigit(path[at + 2]))
            {
                var decoded = (char)((HexValue(path[at + 1]) << 4) | HexValue(path[at + 2]));
                if (!onlyUnreserved || (IsUnreserved(decoded) && !WouldMakeEscape(decoded, output[..length])))
                {
                    next = decoded;
                    at += 2;
                }
            }

            output[length++] = next;
        }

        return length;
    }

    // "%%32e": decoding the digit would make an escape that was not there, and a second pass would read on.
    private static bool WouldMakeEscape(char decoded, ReadOnlySpan<char> before) =>
        char.IsAsciiHexDigit(decoded) && (before is [.., '%'] || (before is [.., '%', var digit] && char.IsAsciiHexDigit(digit)));

    private static int DropParameters(ReadOnlySpan<char> path, Span<char> output)
    {
        var length = 0;
        var isDropping = false;
        foreach (var next in path)
        {
            isDropping = next == ';' || (isDropping && next != '/');
            if (!isDropping)
            {
                output[length++] = next;
            }
        }

        return length;
    }

    private static int MergeSlashes(ReadOnlySpan<char> path, Span<char> output)
    {
        var length = 0;
        foreach (var next in path)
        {
            if (next != '/' || length == 0 || output[length - 1] != '/')
            {
                output[length++] = next;
            }
        }

        return length;
    }

    private static int Climb(ReadOnlySpan<char> path, Span<char> output)
    {
        output[0] = '/';
        var length = 1;
        var rest = path is ['/', ..] ? path[1..] : path;
        while (true)
        {
            var end = rest.IndexOf('/');
            var segment = end < 0 ? rest : rest[..end];
            if (segment is "..")
            {
                // Above the root there is nothing: the root stays.
                length = length == 1 ? 1 : output[..(length - 1)].LastIndexOf('/') + 1;
            }
            else if (segment is not ".")
            {
                segment.CopyTo(output[length..]);
                length += segment.Length;
                if (end >= 0)
                {
                    output[length++] = '/';
                }
            }

            if (end < 0)
            {
                return length;
            }

            rest = rest[(end + 1)..];
        }
    }

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    private static int HexValue(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/// <summary>What a server may do to a path before it looks at it. Servers differ in which of these they do, and in what order.</summary>
internal enum PathStep
{
    /// <summary><c>#</c> ends the path.</summary>
    CutFragment,

    /// <summary>Escapes of unreserved characters are decoded: by RFC 3986 they mean the same.</summary>
    DecodeUnreserved,

    /// <summary>Every escape is decoded, once: <c>%2f</c> separates segments, <c>%40</c> is <c>@</c>.</summary>
    Decode,

    /// <summary><c>\</c> separates segments.</summary>
    TurnBackslashes,

    /// <summary>What follows a <c>;</c> in a segment is dropped: <c>..;x</c> goes up.</summary>
    DropParameters,

    /// <summary>Repeated slashes are one.</summary>
    MergeSlashes,

    /// <summary>
    /// Dot segments are removed (RFC 3986 §5.2.4); <c>..</c> after <c>//</c> takes away the empty segment. The path begins with a slash.
    /// </summary>
    Climb,
}
