using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>A proxy that speaks the agent protocol. It renders decisions itself, here by the sidecar's own rules.</summary>
internal sealed class NativeContract(InspectionHarness daemon) : IFrontEnd
{
    public InspectionHarness Daemon => daemon;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        new NativeContract(await InspectionHarness.StartAsync(options, agents));

    public async Task AskAsync(Passage passage)
    {
        var request = Events.Request("x");
        foreach (var (name, value) in Passage.Sent)
        {
            request.Headers.Add(name, value);
        }

        var answer = await daemon.Client.AskAsync(request);
        await daemon.Client.AskAsync(Events.Complete("x"));
        if (answer.Decision is AllowDecision)
        {
            Apply(answer.RequestHeaders, passage.Request);
            Apply(answer.ResponseHeaders, passage.Response);
            return;
        }

        var kind = answer.Decision switch { RedirectDecision => VerdictKind.Redirect, ChallengeDecision => VerdictKind.Challenge, _ => VerdictKind.Block };
        var reply = ReplyRenderer.Render(new Verdict { Kind = kind, Decision = answer.Decision });
        passage.Refuse(reply.Status, reply.Headers.Select(static field => (field.Key, field.Value)), Encoding.UTF8.GetString(reply.Body.Span));
    }

    public ValueTask DisposeAsync() => daemon.DisposeAsync();

    private static void Apply(IReadOnlyList<HeaderOperation> operations, Fields fields)
    {
        foreach (var operation in operations)
        {
            switch (operation.Kind)
            {
                case HeaderOperationKind.Remove:
                    fields.Remove(operation.Name);
                    break;
                case HeaderOperationKind.Set:
                    fields.Set(operation.Name, operation.Value!);
                    break;
                default:
                    fields.Add(operation.Name, operation.Value!);
                    break;
            }
        }
    }
}
