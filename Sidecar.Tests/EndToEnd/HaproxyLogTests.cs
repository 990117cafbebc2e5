using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>HAProxy's log names what was decided and why, by each ready configuration.</summary>
[Category("EndToEnd")]
[TestFixture("haproxy.cfg", "")]
[TestFixture("haproxy-fail-open.cfg", "")]
[TestFixture("haproxy-no-lua.cfg", ",header-form=names,set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options")]
internal sealed class HaproxyLogTests(string file, string listenKeys)
{
    private HaproxyStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await HaproxyStack.StartAsync(file: file, listenKeys: listenKeys);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task AuditAndDecision_AreInTheLog()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /attack?for-the-log HTTP/1.1");

        await Support.Eventually.TrueAsync(
            () => _stack.Haproxy.Log.Split('\n').Any(static line => line.Contains("for-the-log", StringComparison.Ordinal)
                && line.Contains(" act=block ", StringComparison.Ordinal) && line.Contains("path:attack", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(30),
            "the line of a blocked request");
    }
}
