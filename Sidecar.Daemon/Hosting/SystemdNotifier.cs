using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>Tells systemd how the daemon is, by one datagram per message (sd_notify(3)).</summary>
/// <remarks>
/// Not being heard is logged and never fatal. Messages are sent in the order of the calls when those come from one thread; members may be
/// called from any thread.
/// </remarks>
/// <param name="address">
/// The value of <c>NOTIFY_SOCKET</c>: a path, or <c>@name</c> for an abstract socket. Null or empty: not under systemd, and every call
/// does nothing.
/// </param>
/// <param name="time">Its timestamps must be those of CLOCK_MONOTONIC, as the system's are on Linux.</param>
/// <param name="logger">Hears of messages that could not be sent.</param>
internal sealed class SystemdNotifier(string? address, TimeProvider time, ILogger<SystemdNotifier> logger)
{
    /// <summary>Longest status text in UTF-16 units; what is longer is cut. systemctl shows one line.</summary>
    public const int MaxStatusLength = 256;

    // systemd reads its socket within milliseconds; when it hangs, a daemon that serves requests must not hang with it.
    private const int SendTimeoutMilliseconds = 1000;
    private const long MicrosecondsPerSecond = 1_000_000;

    /// <summary>Whether there is somebody to tell.</summary>
    public bool IsEnabled => !string.IsNullOrEmpty(address);

    /// <summary>The daemon accepts requests; also ends a reload. <paramref name="status"/> is shown by <c>systemctl status</c>.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool Ready(string? status = null) => Send("READY=1" + StatusLine(status));

    /// <summary>A reload begins; <see cref="Ready"/> must follow. Carries the time, which Type=notify-reload asks for.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool Reloading() => Send($"RELOADING=1\nMONOTONIC_USEC={MonotonicMicroseconds()}");

    /// <summary>The daemon stops.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool Stopping(string? status = null) => Send("STOPPING=1" + StatusLine(status));

    /// <summary>Shows one line of text. Control characters become spaces: a line feed would start another assignment.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool Status(string text) => Send(StatusLine(text)[1..]);

    /// <summary>The daemon lives; systemd hears of it in the pace of <see cref="SystemdWatchdog"/>.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool Alive() => Send("WATCHDOG=1");

    /// <summary>Asks for that much more time, from now, for the start, reload or stop that is under way.</summary>
    /// <returns>Whether the message was sent.</returns>
    public bool ExtendTimeout(TimeSpan more)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(more, TimeSpan.Zero);
        return Send($"EXTEND_TIMEOUT_USEC={more.Ticks / TimeSpan.TicksPerMicrosecond}");
    }

    private static string StatusLine(string? text)
    {
        if (text is null)
        {
            return "";
        }

        var line = new StringBuilder("\nSTATUS=");
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, MaxStatusLength)))
        {
            line.Append(char.IsControl(c) ? ' ' : c);
        }

        return line.ToString();
    }

    private long MonotonicMicroseconds() => (long)((Int128)time.GetTimestamp() * MicrosecondsPerSecond / time.TimestampFrequency);

    private bool Send(string message)
    {
        if (string.IsNullOrEmpty(address))
        {
            return false;
        }

        try
        {
            if (address[0] is not ('/' or '@'))
            {
                throw new NotSupportedException("only a path or @name is understood");
            }

            var name = address[0] == '@' ? string.Concat("\0", address.AsSpan(1)) : address;
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
            {
                SendTimeout = SendTimeoutMilliseconds,
            };
            socket.SendTo(Encoding.UTF8.GetBytes(message), new UnixDomainSocketEndPoint(name));
            return true;
        }
        catch (Exception e) when (e is SocketException or ArgumentException or NotSupportedException)
        {
            HostingLog.NotifyFailed(logger, message.ReplaceLineEndings(" "), address, e.Message);
            return false;
        }
    }
}

/// <summary>
/// Tells systemd three times in each <c>WatchdogSec=</c> that the daemon lives: one that hangs is killed and started again.
/// </summary>
/// <remarks>
/// A sign starts with a timer and is sent by a thread of the pool, which is what every request needs: when requests can no longer be
/// answered, signs no longer come. They end with the stop, from when on systemd no longer waits for any.
/// </remarks>
/// <param name="notifier">Sends them.</param>
/// <param name="limit">The longest time between two signs as systemd wants it; null where it wants none.</param>
/// <param name="time">When the next is due.</param>
internal sealed class SystemdWatchdog(SystemdNotifier notifier, TimeSpan? limit, TimeProvider time) : BackgroundService
{
    private const int SignsInTheLimit = 3;

    /// <summary>What systemd wants of this process, by <c>WATCHDOG_USEC</c> and <c>WATCHDOG_PID</c> (sd_watchdog_enabled(3)).</summary>
    /// <param name="microseconds">The limit; null or no positive number means that no sign is wanted.</param>
    /// <param name="process">The process that is meant, as a number; null means whoever reads it.</param>
    /// <returns>The limit, or null where no sign is wanted of this process.</returns>
    public static TimeSpan? LimitOf(string? microseconds, string? process) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
        && limit is > 0 and <= long.MaxValue / TimeSpan.TicksPerMicrosecond
        && (process is null || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromTicks(limit * TimeSpan.TicksPerMicrosecond)
            : null;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (limit is null || !notifier.IsEnabled)
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            notifier.Alive();
            await Task.Delay(limit.Value / SignsInTheLimit, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
