using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.EndToEnd;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PeerRulesTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Socket _client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket _accepted = null!;
    private uint _user;
    private uint _group;

    [SetUp]
    public async Task ConnectAsync()
    {
        var endPoint = new UnixDomainSocketEndPoint(_directory.Socket("s"));
        _listener.Bind(endPoint);
        _listener.Listen();
        await _client.ConnectAsync(endPoint);
        _accepted = await _listener.AcceptAsync();
        _user = await IdAsync("-u");
        _group = await IdAsync("-g");
    }

    [TearDown]
    public void Dispose()
    {
        _accepted?.Dispose();
        _client.Dispose();
        _listener.Dispose();
        _directory.Dispose();
    }

    [Test]
    public void Credentials_AreThoseOfThePeersProcess() =>
        Assert.That(PeerCredentials.Read(_accepted), Is.EqualTo(new PeerCredentials(Environment.ProcessId, _user, _group)));

    [Test]
    public void NoRules_LetEverybodyIn() => Assert.That(PeerRules.Resolve(null, null).Problem(_accepted), Is.Null);

    [Test]
    public void UserAndGroupThatAreNamed_AreLetIn() =>
        Assert.That(PeerRules.Resolve(["4000000", Text(_user)], [Text(_group)]).Problem(_accepted), Is.Null);

    [Test]
    public void OtherUser_IsNamedWithThoseAllowed() =>
        Assert.That(PeerRules.Resolve(["4000000", "4000001"], null).Problem(_accepted), Is.EqualTo($"process {Environment.ProcessId} runs as uid {_user}; allowed are 4000000, 4000001"));

    [Test]
    public void OtherGroup_IsNamedEvenIfTheUserIsAllowed() =>
        Assert.That(PeerRules.Resolve([Text(_user)], ["4000000"]).Problem(_accepted), Does.Contain($"runs as gid {_group}; allowed are 4000000"));

    [Test]
    public void PeerThatCannotBeAsked_IsNotLetIn()
    {
        using var tcp = new TcpListener(IPAddress.Loopback, 0);
        tcp.Start();
        using var client = new TcpClient();
        client.Connect((IPEndPoint)tcp.LocalEndpoint);
        using var accepted = tcp.AcceptSocket();

        // The kernel answers with an overflow id where it knows no user.
        Assert.That(PeerRules.Resolve([Text(_user)], null).Problem(accepted), Is.Not.Null);
    }

    [Test]
    public void NameThatDoesNotExist_IsAnError()
    {
        Assert.That(() => PeerRules.Resolve(["no-such-user"], null), Throws.InstanceOf<IOException>().With.Message.Contains("'no-such-user'"));
        Assert.That(() => PeerRules.Resolve(null, ["no-such-group"]), Throws.InstanceOf<IOException>().With.Message.Contains("'no-such-group'"));
    }

    private static string Text(uint id) => id.ToString(CultureInfo.InvariantCulture);

    private static async Task<uint> IdAsync(string flag)
    {
        await using var id = ChildProcess.Start("/usr/bin/id", flag);
        await id.WaitForExitAsync();
        await Eventually.TrueAsync(() => id.Output.Length > 0, TimeSpan.FromSeconds(30), "the output of id");
        return uint.Parse(id.Output, CultureInfo.InvariantCulture);
    }
}
