using System.Net.Sockets;

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
