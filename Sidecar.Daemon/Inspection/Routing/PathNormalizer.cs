using System.Buffers;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>
/// Finds the path in a request target, and gives it the normal form in which prefixes of routes stand. Stateless; takes any input, never
/// throws.
/// </summary>
/// <remarks>
/// Targets are byte strings with one char per byte. The normal form is the reading of RFC 3986 with repeated slashes as one: only what
/// means the same by the standard is made the same. What else servers read in a path, <see cref="PathInterpretations"/> finds.
/// </remarks>
internal static class PathNormalizer
{
    private static readonly SearchValues<char> SchemeChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

    /// <summary>The path in its normal form. It begins with <c>/</c>, except that <c>*</c> stays; an empty path is <c>/</c>.</summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    /// <returns>The very string given when that already is a normal path.</returns>
    public static string Normalize(string target) => Normalize(target, PathStep.DecodeUnreserved);

    /// <summary>The same with every escape decoded, once.</summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    public static string NormalizeDecoded(string target) => Normalize(target, PathStep.Decode);

    /// <summary>
    /// The path as a server sees it that does nothing but cut the query; of an absolute form, what follows the authority.
    /// </summary>
    /// <param name="target">The request target in any form, byte for byte.</param>
    public static string RawPath(string target)
    {
        var path = RawPath(target.AsSpan());
        return path.Length == target.Length ? target : path.ToString();
    }

    /// <summary>The path as a server sees it that does nothing but cut the query, as a slice of the target.</summary>
    public static ReadOnlySpan<char> RawPath(ReadOnlySpan<char> target)
    {
        var path = target.IndexOf('?') is >= 0 and var query ? target[..query] : target;
        var authority = EndOfScheme(path);
        if (authority < 0)
        {
            return path;
        }

        var rest = path[authority..];
        var end = rest.IndexOfAny('/', '\\', '#');
        return end < 0 ? default : rest[end..];
    }

    private static string Normalize(string target, PathStep decoding)
    {
        var path = RawPath(target);
        foreach (var step in (ReadOnlySpan<PathStep>)[PathStep.CutFragment, decoding, PathStep.MergeSlashes, PathStep.Climb])
        {
            path = Apply(step, path);
        }

        return path;
    }

    private static string Apply(PathStep step, string path)
    {
        if (!PathSteps.MayChange(step, path))
        {
            return path;
        }

        var buffer = ArrayPool<char>.Shared.Rent(path.Length + 1);
        var changed = buffer.AsSpan(0, PathSteps.Apply(step, path, buffer));
        var result = changed.SequenceEqual(path) ? path : changed.ToString();
        ArrayPool<char>.Shared.Return(buffer);
        return result;
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
}
