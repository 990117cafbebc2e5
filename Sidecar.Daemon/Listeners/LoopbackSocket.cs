using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// Makes the socket of a listener on loopback TCP. Another daemon of the same user that may take over can listen at the same address.
/// </summary>
/// <remarks>
/// Every such socket allows to be shared, but only from when it is bound: two daemons of which neither is to take over still notice each
/// other. One that takes over has the kernel give it all new connections at once, so that the other's queue is empty when it closes: what
/// stands in the queue of a socket that is closed is lost.
/// </remarks>
internal static class LoopbackSocket
{
    // Linux, <asm-generic/socket.h>.
    private const int SolSocket = 1;
    private const int ReusePort = 15;
    private const int AttachReusePortFilter = 51;

    // <linux/bpf_common.h>: BPF_RET | BPF_K, which returns a constant.
    private const ushort Return = 0x06;

    /// <summary>Makes the bound socket; one that takes over listens already.</summary>
    /// <param name="address">The address.</param>
    /// <param name="takesOver">Whether the address may be taken from another process.</param>
    /// <param name="backlog">Connections that may wait for being accepted.</param>
    /// <exception cref="SocketException">The address cannot be had.</exception>
    public static Socket Bind(IPEndPoint address, bool takesOver, int backlog)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (takesOver)
            {
                Share(socket);
            }

            socket.Bind(address);
            Share(socket);
            if (takesOver)
            {
                socket.Listen(backlog);
                TakeNewConnections(socket, Listening((IPEndPoint)socket.LocalEndPoint!));
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Share(Socket socket) => socket.SetRawSocketOption(SolSocket, ReusePort, BitConverter.GetBytes(1));

    // The sockets at an address are numbered in the order in which they began to listen; a number that is none leaves the choice to the
    // kernel.
    private static void TakeNewConnections(Socket socket, int listening)
    {
        if (listening < 2)
        {
            return;
        }

        // struct sock_filter { u16 code; u8 jt, jf; u32 k; } and struct sock_fprog { u16 len; sock_filter *filter; }.
        var filter = Marshal.AllocHGlobal(8);
        try
        {
            Marshal.WriteInt64(filter, Return | ((long)(listening - 1) << 32));
            Span<byte> program = stackalloc byte[16];
            program.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(program, 1);
            BinaryPrimitives.WriteInt64LittleEndian(program[8..], filter);
            socket.SetRawSocketOption(SolSocket, AttachReusePortFilter, program);
        }
        catch (SocketException)
        {
            // The kernel divides new connections between the two, and the other goes on accepting its part until it ends.
        }
        finally
        {
            Marshal.FreeHGlobal(filter);
        }
    }

    // How many sockets listen there, ours included.
    private static int Listening(IPEndPoint address)
    {
        var words = MemoryMarshal.Cast<byte, uint>(address.Address.GetAddressBytes().AsSpan());
        var place = $"{string.Concat(words.ToArray().Select(static word => $"{word:X8}"))}:{address.Port:X4}";
        var table = address.AddressFamily == AddressFamily.InterNetworkV6 ? "/proc/net/tcp6" : "/proc/net/tcp";
        return File.ReadLines(table).Count(
            line => line.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries) is [_, { } local, _, ['0', 'A', ' ', ..]] && local == place);
    }
}

/// <summary>
/// Listener sockets in the abstract namespace of Linux, which has no files: for proxies in a chroot (proxy integration §1.11).
/// </summary>
internal static class AbstractSocket
{
    // sun_path (unix(7)). HAProxy's abns@ fills all of it with zero bytes, and these count.
    private const int AddressLength = 108;

    /// <summary>The address that HAProxy means by <c>abns@NAME</c>.</summary>
    public static UnixDomainSocketEndPoint EndPoint(string name) =>
        new("\0" + name + new string('\0', AddressLength - 1 - Encoding.UTF8.GetByteCount(name)));

    /// <summary>Makes the bound socket.</summary>
    /// <exception cref="ListenerSocketException">The name is taken.</exception>
    public static Socket Bind(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new ListenerSocketException(
                $"cannot listen on the abstract name {endPoint}: {e.Message}; stop who has it or choose another name", e);
        }
    }
}
