using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// What the documentation shows as a whole agent is one: its text, as it stands there, compiles without a warning, answers, and ends on a
/// signal.
/// </summary>
[Category("EndToEnd")]
internal sealed partial class AgentSampleTests
{
    // As "dotnet new console" makes it, with the SDK that these tests run with in the place of a reference to its project.
    private static readonly string Project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <UseAppHost>false</UseAppHost>
          </PropertyGroup>
          <ItemGroup>
            <FrameworkReference Include="Microsoft.AspNetCore.App" />
            <Reference Include="{Path.Combine(AppContext.BaseDirectory, "Sidecar.Protocol.dll")}" />
          </ItemGroup>
        </Project>
        """;

    [TestCase("README.md")]
    [TestCase("Sidecar.Protocol/docs/sdk.md")]
    public async Task Sample_CompilesAnswersAndStops(string page)
    {
        using var directory = new TempDirectory();
        var text = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "docs", page));
        var code = CodeBlock().Matches(text).Select(static block => block.Groups["code"].Value)
            .Single(static code => code.Contains("RunAsync", StringComparison.Ordinal));
        await File.WriteAllTextAsync(directory.File("Program.cs"), code);
        await File.WriteAllTextAsync(directory.File("agent.csproj"), Project);

        // Nothing is to be fetched for it: the only source of packages is a folder without any.
        await using (var build = ChildProcess.Start(
            "dotnet", "build", directory.File("agent.csproj"), "--source", directory.FullPath, "--output", directory.File("out"),
            "--disable-build-servers", "--nologo", "-warnaserror", "-nodeReuse:false"))
        {
            Assert.That(await build.WaitForExitAsync(), Is.Zero, build.Output);
        }

        var socket = directory.Socket("agent.sock");
        await using var agent = ChildProcess.Start("dotnet", directory.File("out/agent.dll"), socket);
        await Eventually.TrueAsync(
            () => UnixSocketProbe.Check(socket) == UnixSocketState.Listening || agent.HasExited, TimeSpan.FromSeconds(60), "the agent to listen");
        using (var proxy = await AgentPeer.ConnectAsync(socket))
        {
            await proxy.IntroduceAsync("msgpack");
            var blocked = await proxy.AskAsync(SampleEvents.Request(SampleEvents.A, "/admin/users"));
            var allowed = await proxy.AskAsync(SampleEvents.Request(SampleEvents.B, "/"));
            Assert.That((blocked.Response.Decision as BlockDecision)?.Status, Is.EqualTo(403));
            Assert.That(allowed.Response.Decision, Is.InstanceOf<AllowDecision>());
        }

        Assert.That((await agent.StopAsync(), agent.Output), Is.EqualTo((0, "")));
    }

    [GeneratedRegex(
        "^```csharp\n(?<code>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex CodeBlock();
}
