using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// Descriptors that accepted sockets leave to others: connections to agents, files, and what the runtime opens to start a thread.
/// </summary>
/// <remarks>
/// The kernel gives out the lowest free number, so a socket whose number is below the reserve took nothing from it. That costs no counting,
/// and it holds for all listeners of the process together. Safe from any thread.
/// </remarks>
/// <param name="first">The lowest number that belongs to the reserve.</param>
/// <param name="numberOf">Tells a socket's number; null for the real one.</param>
internal sealed class DescriptorReserve(int first, Func<Socket, int>? numberOf = null)
{
    private readonly Func<Socket, int> _numberOf = numberOf ?? (static socket => (int)socket.Handle);

    /// <summary>The reserve of this process, by its limit at the first use.</summary>
    public static DescriptorReserve OfProcess { get; } = OfLimit(DescriptorLimit.Read().Soft);

    /// <summary>The lowest number that belongs to the reserve.</summary>
    public int First => first;

    /// <summary>How many descriptors are reserved under a limit: 256, and a quarter where the limit is low.</summary>
    public static int SizeOf(int limit) => Math.Min(256, limit / 4);

    /// <summary>The reserve under a limit of open files.</summary>
    public static DescriptorReserve OfLimit(int limit) => new(limit - SizeOf(limit));

    /// <summary>Whether this socket took one of the reserve.</summary>
    public bool IsTouchedBy(Socket socket) => _numberOf(socket) >= first;

    /// <summary>Whether the next descriptor will be one outside the reserve.</summary>
    public bool IsWhole()
    {
        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            return !IsTouchedBy(probe);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>How many descriptors a process may have open (RLIMIT_NOFILE).</summary>
/// <param name="Soft">What holds now.</param>
/// <param name="Hard">How far the process may raise it by itself; the runtime does so when it starts.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DescriptorLimit(int Soft, int Hard)
{
    private const string Path = "/proc/self/limits";
    private const string Line = "Max open files";

    /// <summary>The limits of this process; none where the system does not tell them.</summary>
    public static DescriptorLimit Read()
    {
        try
        {
            return Parse(File.ReadLines(Path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new DescriptorLimit(int.MaxValue, int.MaxValue);
        }
    }

    /// <summary>The limits in the text of <c>/proc/PID/limits</c>; none where it does not tell them.</summary>
    public static DescriptorLimit Parse(IEnumerable<string> lines)
    {
        var fields = lines.FirstOrDefault(static line => line.StartsWith(Line, StringComparison.Ordinal))?[Line.Length..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return new DescriptorLimit(Number(fields, 0), Number(fields, 1));
    }

    // "unlimited", and what no process opens, are as good as no limit.
    private static int Number(string[] fields, int index) =>
        index < fields.Length && int.TryParse(fields[index], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : int.MaxValue;
}
