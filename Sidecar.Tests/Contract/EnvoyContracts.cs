using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Envoy;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>Envoy's ext_authz over gRPC: sets first and removes then.</summary>
internal sealed class ExtAuthzContract(EnvoyServer server) : IFrontEnd
{
    public InspectionHarness Daemon => server.Harness;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        new ExtAuthzContract(await EnvoyServer.StartAsync(new EnvoyOptions(), options, agents));

    public async Task AskAsync(Passage passage)
    {
        var answer = await server.CheckAsync(Messages.Question([.. Passage.Sent]));
        if (answer.Status.Code != 0)
        {
            Assert.That(answer.Status.Code, Is.AnyOf(7, 16), "any other is a failure of ours, which the filter's failure mode may let pass");
            passage.Refuse(answer.DeniedResponse.Status.Code, EnvoyWords.Lines(answer.DeniedResponse.Headers), answer.DeniedResponse.Body);
            return;
        }

        EnvoyWords.Apply(answer.OkResponse.Headers, passage.Request);
        foreach (var name in answer.OkResponse.HeadersToRemove)
        {
            passage.Request.Remove(name);
        }

        EnvoyWords.Apply(answer.OkResponse.ResponseHeadersToAdd, passage.Response);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}

/// <summary>Envoy's ext_proc: removes first and sets then; it asks about the response too.</summary>
internal sealed class ExtProcContract(EnvoyServer server) : IFrontEnd
{
    public InspectionHarness Daemon => server.Harness;

    public static async Task<IFrontEnd> StartAsync(HarnessOptions options, LambdaAgent[] agents) =>
        new ExtProcContract(await EnvoyServer.StartAsync(new EnvoyOptions(), options, agents));

    public async Task AskAsync(Passage passage)
    {
        await using var call = server.Open();
        var answer = (await call.AskAsync(Messages.Request(last: true, headers: [.. Passage.Sent])))!;
        if (answer.ImmediateResponse is { } reply)
        {
            passage.Refuse(reply.Status.Code, EnvoyWords.Lines(reply.Headers.SetHeaders), reply.Body.ToStringUtf8());
        }
        else
        {
            Apply(answer.RequestHeaders, passage.Request);
            Apply((await call.AskAsync(Messages.Response(last: true, headers: [.. Passage.Answered])))!.ResponseHeaders, passage.Response);
        }

        Assert.That(await call.CloseAsync(), Is.EqualTo("Ok"), "any other is a failure of ours");
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static void Apply(HeadersResponse answer, Fields fields)
    {
        if (answer.Response.HeaderMutation is not { } mutation)
        {
            return;
        }

        foreach (var name in mutation.RemoveHeaders)
        {
            fields.Remove(name);
        }

        EnvoyWords.Apply(mutation.SetHeaders, fields);
    }
}

/// <summary>What both say in the same messages.</summary>
internal static class EnvoyWords
{
    /// <summary>Sets or adds each.</summary>
    public static void Apply(IEnumerable<HeaderValueOption> options, Fields fields)
    {
        foreach (var option in options)
        {
            Action<string, string> change = option.Append == true ? fields.Add : fields.Set;
            change(option.Header.Key, ValueOf(option));
        }
    }

    /// <summary>The header lines of a reply.</summary>
    public static IEnumerable<(string Name, string Value)> Lines(IEnumerable<HeaderValueOption> options) =>
        options.Select(static option => (option.Header.Key, ValueOf(option)));

    private static string ValueOf(HeaderValueOption option) => option.Header.Value.Length > 0 ? option.Header.Value : option.Header.RawValue.ToStringUtf8();
}
