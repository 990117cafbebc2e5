using System.Globalization;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>The time of day as events tell it: RFC 3339 in UTC with milliseconds. Safe from any thread.</summary>
/// <remarks>Events come many to a millisecond, and share its text.</remarks>
internal static class EventTimestamp
{
    private static Text _last = new(0);

    /// <summary>The text of a time.</summary>
    public static string Of(DateTimeOffset time)
    {
        var millisecond = time.UtcTicks / TimeSpan.TicksPerMillisecond;
        var last = Volatile.Read(ref _last);
        if (last.Millisecond != millisecond)
        {
            Volatile.Write(ref _last, last = new Text(millisecond));
        }

        return last.Value;
    }

    private sealed class Text(long millisecond)
    {
        public long Millisecond => millisecond;

        public string Value { get; } =
            new DateTime(millisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc)
                .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }
}
