using System.Net;
using System.Net.Sockets;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// A port on loopback that is kept for a server that is a process of its own: nobody gets it by chance, neither before that server listens nor while
/// it is away.
/// </summary>
/// <remarks>
/// The socket that keeps it is bound with SO_REUSEADDR and never listens. So the kernel hands the port to nobody who asks for any, and lets a
/// server bind it that names it and sets the same option, as every server does.
/// </remarks>
internal sealed class LoopbackPort : IDisposable
{
    private const int SolSocket = 1;
    private const int SoReuseAddr = 2;

    private readonly Socket _keeper = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public LoopbackPort()
    {
        _keeper.SetRawSocketOption(SolSocket, SoReuseAddr, BitConverter.GetBytes(1));
        _keeper.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    /// <summary>Its number.</summary>
    public int Number => ((IPEndPoint)_keeper.LocalEndPoint!).Port;

    /// <summary>Whether somebody listens there.</summary>
    public bool Accepts()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, Number);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose() => _keeper.Dispose();
}
