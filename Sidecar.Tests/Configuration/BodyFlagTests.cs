using NUnit.Framework;
using Sidecar.Daemon.Configuration;

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
        Assert.That((body.RequestMode, body.MaxRequestBytes, body.OnExcess, body.Memory, body.IsOptional),
            Is.EqualTo((BodyMode.Buffer, 1L << 20, (ExcessAction?)null, 128L << 20, false)));
    }

    [Test]
    public void EveryKey_IsRead() => Assert.That(
        Parse(",body=optional,body-mode=hybrid:1KiB,response-body-mode=stream,max-body=2KiB,max-response-body=none,on-excess=partial,max-event=7,body-memory=1MiB"),
        Is.EqualTo(new BodyOptions
        {
            RequestMode = BodyMode.Hybrid,
            RequestThreshold = 1024,
            ResponseMode = BodyMode.Stream,
            MaxRequestBytes = 2048,
            MaxResponseBytes = long.MaxValue,
            OnExcess = ExcessAction.Partial,
            MaxEventBytes = 7,
            Memory = 1 << 20,
            IsOptional = true,
        }));

    [Test]
    public void WhatIsSaidOfRequests_CountsForResponsesToo()
    {
        var body = Parse(",body-mode=hybrid,max-body=5");
        Assert.That((body.ResponseMode, body.ResponseThreshold, body.MaxResponseBytes), Is.EqualTo((BodyMode.Hybrid, Defaults.HybridThreshold, 5L)));
    }

    [TestCase("body-mode=fast", "body-mode=fast is none of")]
    [TestCase("body-mode=hybrid:0", "hybrid:0 does not name a size up to 1GiB")]
    [TestCase("body-mode=hybrid:2GiB", "hybrid:2GiB does not name a size up to 1GiB")]
    [TestCase("max-body=0", "max-body=0 is not a size above zero")]
    [TestCase("max-event=none", "max-event=none is not a size above zero")]
    [TestCase("on-excess=ignore", "on-excess=ignore is none of")]
    [TestCase("body=maybe", "body=maybe is none of")]
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
