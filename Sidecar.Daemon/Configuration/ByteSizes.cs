using System.Globalization;

namespace Sidecar.Daemon.Configuration;

/// <summary>Sizes as operators write them: <c>512</c>, <c>64KiB</c>, <c>1MiB</c>, <c>2GiB</c>.</summary>
internal static class ByteSizes
{
    private static readonly (string Suffix, long Factor)[] Units =
        [("GiB", 1L << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1)];

    /// <summary>Reads a size of at least one byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        foreach (var (suffix, factor) in Units)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                var isNumber = long.TryParse(
                    text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number);
                bytes = isNumber && number <= long.MaxValue / factor ? number * factor : 0;
                return bytes > 0;
            }
        }

        return false;
    }

    /// <summary>Writes a size in the largest unit that divides it.</summary>
    public static string Format(long bytes)
    {
        foreach (var (suffix, factor) in Units.AsSpan(0, 3))
        {
            if (bytes % factor == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor}{suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes}B");
    }
}
