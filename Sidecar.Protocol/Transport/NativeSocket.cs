using System.Net.Sockets;
using System.Runtime.InteropServices;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace Sidecar.Protocol.Transport;

/// <summary>
/// Receives that block their thread, and sends that never do: what <see cref="Socket"/> offers neither of once it was used asynchronously.
/// Safe from any thread; while a call is under way the socket's descriptor is not given to another.
/// </summary>
internal static class NativeSocket
{
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const short Readable = 1;
    private const nuint SetNonBlocking = 0x5421;

    /// <summary>
    /// Waits, without a limit, until bytes have come, and takes them; 0 at the peer's end or when the socket was shut down.
    /// </summary>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Receive(SafeSocketHandle socket, Span<byte> into)
    {
        while (true)
        {
            var count = Call.Receive(socket, ref MemoryMarshal.GetReference(into), (nuint)into.Length, 0);
            if (count >= 0)
            {
                return (int)count;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;

                // A send waits for the peer, and so it does not block for now.
                case TryAgain:
                    Wait(socket);
                    break;

                case var error:
                    throw Failure(error);
            }
        }
    }

    /// <summary>Sends as much as the socket takes at once, perhaps nothing.</summary>
    /// <exception cref="IOException">The connection has failed, or the peer has closed its reading side.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Send(SafeSocketHandle socket, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var count = Call.Send(socket, ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, DontWait | NoSignal);
            if (count >= 0)
            {
                return (int)count;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case TryAgain:
                    return 0;
                case var error:
                    throw Failure(error);
            }
        }
    }

    /// <summary>
    /// Whether receives block; asynchronous operations of the <see cref="Socket"/> need one where they do not. Never throws.
    /// </summary>
    public static void SetBlocking(SafeSocketHandle socket, bool blocks)
    {
        var isNonBlocking = blocks ? 0 : 1;
        try
        {
            _ = Call.Control(socket, SetNonBlocking, ref isNonBlocking);
        }
        catch (ObjectDisposedException)
        {
            // Whoever uses it next sees that.
        }
    }

    private static void Wait(SafeSocketHandle socket)
    {
        var isHeld = false;
        try
        {
            socket.DangerousAddRef(ref isHeld);
            var wanted = new Call.Poll { Descriptor = (int)socket.DangerousGetHandle(), Events = Readable };
            if (Call.Wait(ref wanted, 1, -1) < 0 && Marshal.GetLastPInvokeError() is not Interrupted and var error)
            {
                throw Failure(error);
            }
        }
        finally
        {
            if (isHeld)
            {
                socket.DangerousRelease();
            }
        }
    }

    private static IOException Failure(int error) => new(Marshal.GetPInvokeErrorMessage(error));

    // Plain DllImport: the source generator would need unsafe blocks, which this solution does not allow.
    private static class Call
    {
        [DllImport("libc", EntryPoint = "recv", SetLastError = true)]
        internal static extern nint Receive(SafeSocketHandle socket, ref byte into, nuint length, int flags);

        [DllImport("libc", EntryPoint = "send", SetLastError = true)]
        internal static extern nint Send(SafeSocketHandle socket, ref readonly byte bytes, nuint length, int flags);

        [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
        internal static extern int Control(SafeSocketHandle socket, nuint request, ref int value);

        [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
        internal static extern int Wait(ref Poll wanted, nuint count, int milliseconds);

        /// <summary><c>struct pollfd</c>.</summary>
        [StructLayout(LayoutKind.Sequential)]
        internal struct Poll
        {
            public int Descriptor;
            public short Events;
            public short Seen;
        }
    }
}
