using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Envoy;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.FrontEnds.Envoy;

/// <summary>Replies in Envoy's words.</summary>
internal sealed class EnvoyWordsTests
{
    [Test]
    public void Reply_ReplacesEachHeaderOnceAndAddsTheRest()
    {
        var mutation = EnvoyEdits.ForReply([new("set-cookie", "a=1"), new("content-type", "text/html"), new("set-cookie", "b=2")]);

        Assert.That(mutation.Text(), Is.EqualTo("set-cookie=a=1 content-type=text/html set-cookie+b=2"));
    }

    [Test]
    public void Details_HaveNoSpacesAndAnEnd()
    {
        var response = ImmediateResponses.From(new Verdict { Kind = VerdictKind.Block, Decision = new BlockDecision(), DecidedBy = "my agent \u00fc" + new string('x', 200) });

        Assert.That(response.Details, Does.StartWith("sidecar_block_my_agent__xxx").And.Length.EqualTo(128));
    }
}
