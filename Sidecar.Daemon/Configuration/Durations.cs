using System.Globalization;

namespace Sidecar.Daemon.Configuration;

/// <summary>Durations as operators write them.</summary>
internal static class Durations
{
    /// <summary>Reads <c>120ms</c>, <c>2s</c>, <c>1.5s</c>, <c>5m</c> or <c>1h</c>; above zero and at most a day.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var unit = text.Length;
        while (unit > 0 && char.IsAsciiLetterLower(text[unit - 1]))
        {
            unit--;
        }

        decimal? milliseconds = text[unit..] switch { "ms" => 1, "s" => 1_000, "m" => 60_000, "h" => 3_600_000, _ => null };
        if (milliseconds is null
            || !decimal.TryParse(text.AsSpan(0, unit), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            || amount <= 0
            || amount > TimeSpan.MillisecondsPerDay / milliseconds)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(amount * milliseconds.Value * TimeSpan.TicksPerMillisecond));
        return duration > TimeSpan.Zero;
    }

    /// <summary>Writes a duration the way it is read, in the largest unit of which it has a whole number, at least seconds.</summary>
    public static string Format(TimeSpan duration)
    {
        var (unit, size) = duration < TimeSpan.FromSeconds(1) ? ("ms", TimeSpan.TicksPerMillisecond)
            : duration.Ticks % TimeSpan.TicksPerHour == 0 ? ("h", TimeSpan.TicksPerHour)
            : duration.Ticks % TimeSpan.TicksPerMinute == 0 ? ("m", TimeSpan.TicksPerMinute)
            : ("s", TimeSpan.TicksPerSecond);
        return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / (decimal)size:0.#######}{unit}");
    }
}
