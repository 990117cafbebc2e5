using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration;

/// <summary>What <c>--agent</c> says about bodies, and sizes as operators write them.</summary>
public sealed class BodyFlagTests
{
    [TestCase("1", 1)]
    [TestCase("512B", 512)]
    [TestCase("64KiB", 65_536)]
    [TestCase("3MiB", 3 * 1024 * 1024)]
    [TestCase("8589934591GiB", 8_589_934_591L << 30)]
    [TestCase("9223372036854775807", long.MaxValue)]
    public void Size_IsRead(string text, long bytes)
    {
        Assert.That((ByteSizes.TryParse(text, out var read), read), Is.EqualTo((true, bytes)));
        Assert.That((ByteSizes.TryParse(ByteSizes.Format(bytes), out read), read), Is.EqualTo((true, bytes)), "and written so that it is read again");
    }

    [TestCase("")]
    [TestCase("0")]
    [TestCase("0KiB")]
    [TestCase("-1")]
    [TestCase("+1")]
    [TestCase("1 KiB")]
    [TestCase("1kib")]
    [TestCase("1.5MiB")]
    [TestCase("KiB")]
    [TestCase("1KB")]
    [TestCase("8589934592GiB")]
    [TestCase("9223372036854775808")]
    public void WhatIsNoSize_IsNotRead(string text) => Assert.That(ByteSizes.TryParse(text, out _), Is.False);

    [Test]
    public void NothingSaid_IsTheDefaults()
    {
        var body = Parse("");
        Assert.That(body, Is.EqualTo(new BodyOptions()));
        Assert.That((body.Request.Mode, body.MaxRequestBytes, body.OnExcess, body.Memory, body.IsOptional),
            Is.EqualTo((BodyMode.Buffer, 1L << 20, (ExcessAction?)null, 128L << 20, false)));
    }

    [Test]
    public void EveryKey_IsRead()
    {
        var body = Parse(
            ",body=optional,body-mode=hybrid:1KiB,response-body-mode=stream,max-body=2KiB,max-response-body=none,on-excess=partial,max-event=7,body-memory=1MiB");
        Assert.That(
            (body.Request.Mode, body.Request.Threshold, body.Response.Mode, body.MaxRequestBytes, body.MaxResponseBytes),
            Is.EqualTo((BodyMode.Hybrid, 1024, BodyMode.Stream, 2048L, long.MaxValue)));
        Assert.That(
            (body.OnExcess, body.MaxEventBytes, body.Memory, body.IsOptional), Is.EqualTo(((ExcessAction?)ExcessAction.Partial, 7, 1L << 20, true)));
    }

    [Test]
    public void WhatIsSaidOfRequests_CountsForResponsesToo()
    {
        var body = Parse(",body-mode=hybrid,max-body=5");
        Assert.That((body.Response.Mode, body.Response.Threshold, body.MaxResponseBytes), Is.EqualTo((BodyMode.Hybrid, BodyFormats.HybridThreshold, 5L)));
    }

    [TestCase("body-mode=fast", "key body-mode: fast is none of")]
    [TestCase("body-mode=hybrid:0", "key body-mode: hybrid:0 does not name a size up to 1GiB")]
    [TestCase("body-mode=hybrid:2GiB", "key body-mode: hybrid:2GiB does not name a size up to 1GiB")]
    [TestCase("max-body=0", "key max-body: 0 is not a size above zero")]
    [TestCase("max-event=none", "key max-event: none is not a size above zero")]
    [TestCase("on-excess=ignore", "key on-excess: ignore is none of")]
    [TestCase("body=maybe", "key body: maybe is none of")]
    public void Mistake_IsNamed(string key, string expected)
    {
        var errors = new List<string>();
        Assert.That(AgentFlag.Parse($"a=/a.sock,{key}", errors), Is.Null);
        Assert.That(errors.Single(), Does.Contain(expected));
    }

    private static BodyOptions Parse(string keys)
    {
        var errors = new List<string>();
        var agent = AgentFlag.Parse("a=/a.sock" + keys, errors);
        Assert.That(errors, Is.Empty);
        return agent!.Body;
    }
}
