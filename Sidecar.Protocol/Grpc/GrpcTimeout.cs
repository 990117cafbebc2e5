using System.Globalization;

namespace Sidecar.Protocol.Grpc;

/// <summary>The header <c>grpc-timeout</c>: up to eight digits and a unit, H M S m u n.</summary>
/// <remarks>Pure: no state, any thread.</remarks>
public static class GrpcTimeout
{
    private const int MaxDigits = 8;
    private const long MaxValue = 99_999_999;
    private const long NanosecondsPerTick = 100;

    /// <summary>Reads a timeout.</summary>
    /// <param name="text">The header's value.</param>
    /// <param name="timeout">0 or more; nanoseconds are rounded up to ticks of 100.</param>
    /// <returns>Whether the text is a timeout.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > MaxDigits + 1
            || !long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        long? ticks = text[^1] switch
        {
            'H' => value * TimeSpan.TicksPerHour,
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'n' => RoundUp(value, NanosecondsPerTick),
            _ => null,
        };
        timeout = new TimeSpan(ticks ?? 0);
        return ticks is not null;
    }

    /// <summary>Writes a timeout in the finest unit that fits eight digits, rounded up.</summary>
    /// <param name="timeout">0 or more; less is written as 0, more than the 11,407 years of eight digits as these.</param>
    public static string Format(TimeSpan timeout)
    {
        var ticks = Math.Max(0, timeout.Ticks);
        var (value, unit) = ticks switch
        {
            <= MaxValue / NanosecondsPerTick => (ticks * NanosecondsPerTick, 'n'),
            <= MaxValue * TimeSpan.TicksPerMicrosecond => (RoundUp(ticks, TimeSpan.TicksPerMicrosecond), 'u'),
            <= MaxValue * TimeSpan.TicksPerMillisecond => (RoundUp(ticks, TimeSpan.TicksPerMillisecond), 'm'),
            <= MaxValue * TimeSpan.TicksPerSecond => (RoundUp(ticks, TimeSpan.TicksPerSecond), 'S'),
            <= MaxValue * TimeSpan.TicksPerMinute => (RoundUp(ticks, TimeSpan.TicksPerMinute), 'M'),
            _ => (Math.Min(MaxValue, RoundUp(ticks, TimeSpan.TicksPerHour)), 'H'),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
    }

    // Not (value + by - 1) / by, which overflows for the longest time spans.
    private static long RoundUp(long value, long by) => (value / by) + (value % by == 0 ? 0 : 1);
}
