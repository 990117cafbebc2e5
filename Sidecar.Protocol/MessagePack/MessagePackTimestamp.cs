using System.Runtime.InteropServices;

namespace Sidecar.Protocol.MessagePack;

/// <summary>
/// The timestamp extension (type code -1): seconds since 1970-01-01T00:00:00Z and the nanoseconds within that second.
/// Its range of 292 billion years either way exceeds <see cref="DateTimeOffset"/>, so it is a type of its own.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct MessagePackTimestamp
{
    /// <summary>The type code that the format reserves for timestamps.</summary>
    public const sbyte TypeCode = -1;

    /// <summary>Largest count of nanoseconds within a second.</summary>
    public const uint MaxNanoseconds = 999_999_999;

    private const int NanosecondsPerTick = 100;

    /// <summary>Creates a timestamp.</summary>
    /// <param name="seconds">Seconds since the epoch; negative before it.</param>
    /// <param name="nanoseconds">Nanoseconds after that second, 0 to <see cref="MaxNanoseconds"/>; never counted backwards.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are more nanoseconds than a second has.</exception>
    public MessagePackTimestamp(long seconds, uint nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nanoseconds, MaxNanoseconds);
        Seconds = seconds;
        Nanoseconds = nanoseconds;
    }

    /// <summary>Seconds since the epoch; negative before it.</summary>
    public long Seconds { get; }

    /// <summary>Nanoseconds after <see cref="Seconds"/>, 0 to <see cref="MaxNanoseconds"/>.</summary>
    public uint Nanoseconds { get; }

    /// <summary>The same instant, exact to the 100 ns of a tick; the offset is not kept.</summary>
    public static MessagePackTimestamp FromDateTimeOffset(DateTimeOffset value)
    {
        long seconds = value.ToUnixTimeSeconds();
        long ticks = (value.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) - (seconds * TimeSpan.TicksPerSecond);
        return new MessagePackTimestamp(seconds, (uint)(ticks * NanosecondsPerTick));
    }

    /// <summary>The same instant in UTC, cut to whole ticks of 100 ns; false outside the years 1 to 9999.</summary>
    public bool TryToDateTimeOffset(out DateTimeOffset value)
    {
        if (Seconds < DateTimeOffset.MinValue.ToUnixTimeSeconds() || Seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            value = default;
            return false;
        }

        value = DateTimeOffset.FromUnixTimeSeconds(Seconds).AddTicks(Nanoseconds / NanosecondsPerTick);
        return true;
    }
}
