export default function Page() { return <h1>calls</h1>; }
