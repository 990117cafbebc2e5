using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Cli.Admin;
using Sidecar.Daemon.Control;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary>A command that asks whoever listens at its socket, or nobody.</summary>
public sealed class AdminClientTests
{
    [Test]
    public async Task NoSocket_IsADaemonThatDoesNotRun()
    {
        using var directory = new TempDirectory();
        await FailsAsync(directory.Socket("none"), ExitCodes.DaemonNotRunning, "there is no socket");
    }

    [Test]
    public async Task AFileThatNobodyListensAt_IsADaemonThatDoesNotRun()
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory.File("stale"), "");
        await FailsAsync(directory.File("stale"), ExitCodes.DaemonNotRunning, "nobody listens at");
    }

    [TestCase("")]
    [TestCase("garbage\n")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"daemon\":\"nginx\"}")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"daemon\":\"sidecar\"}")]
    [TestCase("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")]
    public async Task SomebodyElse_IsNamedAsSuch(string answer)
    {
        using var directory = new TempDirectory();
        using var socket = Listen(directory.Socket("other"));
        var serving = ServeAsync(socket, answer);
        await FailsAsync(directory.Socket("other"), ExitCodes.Failed, "is not the admin listener of a sidecar");
        socket.Dispose();
        await serving;
    }

    [Test]
    public async Task AnErrorOfTheDaemon_IsHandedOn()
    {
        using var directory = new TempDirectory();
        using var socket = Listen(directory.Socket("admin"));
        var serving = ServeAsync(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 36\r\n\r\n{\"daemon\":\"sidecar\",\"error\":\"so so\"}");
        await FailsAsync(directory.Socket("admin"), ExitCodes.NoSuchObject, "so so");
        socket.Dispose();
        await serving;
    }

    private static async Task FailsAsync(string path, int exitCode, string message)
    {
        using var client = new AdminClient(path);
        try
        {
            await client.GetAsync("/status", AdminJson.Default.StatusDocument, CancellationToken.None);
        }
        catch (AdminException e)
        {
            Assert.That((e.ExitCode, e.Message), Is.EqualTo((exitCode, e.Message)));
            Assert.That(e.Message, Does.Contain(message).And.Not.Contain("\n"));
            return;
        }

        Assert.Fail("it did not fail");
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }

    // A client may try again when nothing came.
    private static async Task ServeAsync(Socket listener, string answer)
    {
        while (true)
        {
            try
            {
                using var socket = await listener.AcceptAsync();
                await socket.ReceiveAsync(new byte[4096]);
                if (answer.Length > 0)
                {
                    await socket.SendAsync(Encoding.Latin1.GetBytes(answer));
                }

                socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
