using System.Globalization;
using Sidecar.Protocol.Messages;

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
        return $"{duration.Ticks / (decimal)size:0.#######}{unit}";
    }
}

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
                return $"{bytes / factor}{suffix}";
            }
        }

        return $"{bytes}B";
    }
}

/// <summary>Events as operators write them: the names of the protocol, with dashes, and short forms (spec §1.3).</summary>
internal static class EventNames
{
    /// <summary>The names that help and messages show.</summary>
    public const string Known = Single + ", all";

    /// <summary>Those of single events.</summary>
    public const string Single = "request-headers, request-body, response-headers, response-body, request-complete, websocket-frame, "
        + "guardrail";

    // The first of each is the one that is shown.
    private static readonly (EventKind Kind, string[] Names)[] Table =
    [
        (EventKind.RequestHeaders, ["request-headers"]),
        (EventKind.RequestBodyChunk, ["request-body", "request-body-chunk"]),
        (EventKind.ResponseHeaders, ["response-headers"]),
        (EventKind.ResponseBodyChunk, ["response-body", "response-body-chunk"]),
        (EventKind.RequestComplete, ["request-complete", "log"]),
        (EventKind.WebSocketFrame, ["websocket-frame", "web-socket-frame"]),
        (EventKind.GuardrailInspect, ["guardrail", "guardrail-inspect"]),
    ];

    /// <summary>The name of each single event that is shown.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.Select(static one => one.Names[0])];

    /// <summary>The event of a name, in which dashes and underscores are one; none when it names no single event.</summary>
    public static EventKind KindOf(string name) => Array.Find(Table, one => one.Names.Contains(name.Replace('_', '-'))).Kind;

    /// <summary>The name of a single event.</summary>
    public static string Of(EventKind kind) => Table.First(one => one.Kind == kind).Names[0];
}
