using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The reference's own agent decodes whatever our writers can write; where it stands beside the checkout.</summary>
[Category("EndToEnd")]
internal sealed class ReferenceAgentTests
{
    private const int Events = 400;

    // What it logs about an event that it answers with allow without having looked at it.
    private const string Undecoded = "Failed to deserialize";

    [TestCase(ProtocolConstants.Json)]
    [TestCase(ProtocolConstants.MessagePack)]
    public async Task AnyEvent_IsDecoded(string encoding)
    {
        var program = await SharedPeer.RequireAsync("refagent");
        using var directory = new TempDirectory();
        var path = directory.Socket("ref");
        await using var agent = ChildProcess.Start("/usr/bin/env", "RUST_LOG=info", program, "uds", path);
        await agent.WaitForAsync("listening");
        using var peer = await AgentPeer.ConnectAsync(path);
        Assert.That((await peer.IntroduceAsync(encoding)).Encoding, Is.EqualTo(encoding));
        foreach (var type in ReferenceDecoderTests.Types.Where(static type => type != MessageType.GuardrailInspect))
        {
            for (var number = 0; number < Events; number++)
            {
                var id = new CorrelationId((UInt128)(number + 1));
                var answer = await peer.AskAsync(AnyEvent.Of(number, type, id));
                Assert.That(answer.CorrelationId, Is.EqualTo(id), $"{type} {number}");
                Assert.That(agent.Output, Does.Not.Contain(Undecoded), $"{type} {number}");
            }
        }

        // It does say so when there is something to say.
        await peer.SendAsync(MessageType.ResponseHeaders, peer.Encoding.Name == ProtocolConstants.Json ? "{}"u8.ToArray() : [0x80]);
        await peer.ReadAnswerAsync();
        await agent.WaitForAsync(Undecoded);
    }
}
